export { fromBytes, toBytes } from "./bytes.ts";
