/** The files that user code leaves below its output prefix. */
export const OUTPUTS_FILE = "outputs.pb";
export const ERROR_FILE = "error.pb";
export const FUTURES_FILE = "futures.pb";
