import { type DescFile, type DescService, toBinary } from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type { HandlerContext } from "@connectrpc/connect";
import { Code, type ServiceImpl } from "@connectrpc/connect";
import { ServerReflectionV1, type ServerReflectionV1Alpha } from "@skein/idl/service";
import type { Call } from "../../call.ts";
import type { PublishError } from "../errors.ts";
import { permissionRow } from "../rpcs.ts";
import { CALL, callOf, publishErrors } from "./listener.ts";

/** What both versions of the protocol ask for; their messages differ in name only. */
interface Question {
  readonly host: string;
  readonly messageRequest:
    | { readonly case: "fileByFilename" | "fileContainingSymbol"; readonly value: string }
    | { readonly case: "allExtensionNumbersOfType"; readonly value: string }
    | {
        readonly case: "fileContainingExtension";
        readonly value: { readonly containingType: string; readonly extensionNumber: number };
      }
    | { readonly case: "listServices"; readonly value: string }
    | { readonly case: undefined; readonly value?: undefined };
}

/** Lets grpcurl and its like list our services and read their descriptors. */
export function reflectionService(options: {
  readonly publishError: PublishError;
  readonly services: readonly DescService[];
}): ServiceImpl<typeof ServerReflectionV1> & ServiceImpl<typeof ServerReflectionV1Alpha> {
  const index = indexFiles(options.services);
  async function* answers(questions: AsyncIterable<Question>, call: Call) {
    call.authorize(permissionRow(ServerReflectionV1.method.serverReflectionInfo).permission, {});
    const sent = new Set<string>();
    for await (const question of questions) {
      yield { validHost: question.host, messageResponse: answer(index, question.messageRequest, sent) };
    }
  }
  const serverReflectionInfo = (questions: AsyncIterable<Question>, context: HandlerContext) => {
    const call = callOf(context.values.get(CALL));
    return publishErrors(answers(questions, call), call, options.publishError);
  };
  return { serverReflectionInfo };
}

interface FileIndex {
  readonly services: readonly string[];
  readonly files: ReadonlyMap<string, DescFile>;
  readonly symbols: ReadonlyMap<string, DescFile>;
  /** Type → number of the extension → file. */
  readonly extensions: ReadonlyMap<string, ReadonlyMap<number, DescFile>>;
}

function answer(index: FileIndex, question: Question["messageRequest"], sent: Set<string>) {
  switch (question.case) {
    case "listServices": {
      const value = { service: index.services.map((name) => ({ name })) };
      return { case: "listServicesResponse" as const, value };
    }
    case "fileByFilename":
      return fileAnswer(index.files.get(question.value), question.value, sent);
    case "fileContainingSymbol":
      return fileAnswer(index.symbols.get(question.value), question.value, sent);
    case "fileContainingExtension": {
      const { containingType, extensionNumber } = question.value;
      const file = index.extensions.get(containingType)?.get(extensionNumber);
      return fileAnswer(file, `extension ${extensionNumber} of ${containingType}`, sent);
    }
    case "allExtensionNumbersOfType": {
      if (!index.symbols.has(question.value)) return notFound(question.value);
      const extensionNumber = [...(index.extensions.get(question.value)?.keys() ?? [])].sort((a, b) => a - b);
      const value = { baseTypeName: question.value, extensionNumber };
      return { case: "allExtensionNumbersResponse" as const, value };
    }
    default: {
      const value = { errorCode: Code.InvalidArgument, errorMessage: "The request asks for nothing." };
      return { case: "errorResponse" as const, value };
    }
  }
}

function notFound(what: string) {
  const value = { errorCode: Code.NotFound, errorMessage: `${what} is not known to this server.` };
  return { case: "errorResponse" as const, value };
}

/** The file and all it imports, each at most once a stream. */
function fileAnswer(file: DescFile | undefined, what: string, sent: Set<string>) {
  if (!file) return notFound(what);
  const fileDescriptorProto: Uint8Array[] = [];
  const send = (next: DescFile): void => {
    if (sent.has(next.proto.name)) return;
    sent.add(next.proto.name);
    fileDescriptorProto.push(toBinary(FileDescriptorProtoSchema, next.proto));
    for (const dependency of next.dependencies) send(dependency);
  };
  // A client that asks again for a file gets it again; only what comes along is left out.
  sent.delete(file.proto.name);
  send(file);
  return { case: "fileDescriptorResponse" as const, value: { fileDescriptorProto } };
}

function indexFiles(services: readonly DescService[]): FileIndex {
  const files = new Map<string, DescFile>();
  const symbols = new Map<string, DescFile>();
  const extensions = new Map<string, Map<number, DescFile>>();
  const add = (file: DescFile): void => {
    if (files.has(file.proto.name)) return;
    files.set(file.proto.name, file);
    for (const type of nestedTypes(file)) {
      symbols.set(type.typeName, file);
      if (type.kind === "service") for (const { name } of type.methods) symbols.set(`${type.typeName}.${name}`, file);
      if (type.kind === "message") for (const { name } of type.fields) symbols.set(`${type.typeName}.${name}`, file);
      if (type.kind === "extension") {
        const numbers = extensions.get(type.extendee.typeName) ?? new Map<number, DescFile>();
        extensions.set(type.extendee.typeName, numbers.set(type.number, file));
      }
    }
    for (const dependency of file.dependencies) add(dependency);
  };
  for (const service of services) add(service.file);
  return { services: services.map((service) => service.typeName).sort(), files, symbols, extensions };
}
