export { downloadInputs, type InputFormat } from "./download-inputs.ts";
export { primitiveText } from "./primitive-text.ts";
export { type UploadedOutputs, uploadOutputs } from "./upload-outputs.ts";
