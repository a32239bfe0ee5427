export { type DownloadOptions, downloadInputs, type InputFormat } from "./download-inputs.ts";
export { type DataFailure, errorDocument } from "./error-document.ts";
export { primitiveText } from "./primitive-text.ts";
export { readDuration } from "./read-primitive.ts";
export { type OtherStores, openStores, type Stores } from "./stores.ts";
export { readErrorFile, type UploadedOutputs, type UploadOptions, uploadOutputs } from "./upload-outputs.ts";
