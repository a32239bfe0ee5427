import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type BindingSchema, DynamicJobSpecSchema } from "@skein/idl/core";
import { expect, test } from "vitest";
import { makePortable } from "./dynamic-spec.ts";

type Init = MessageInitShape<typeof BindingSchema>;
const bound = (uri: string): Init => ({
  var: "x",
  binding: { value: { case: "scalar", value: { value: { case: "blob", value: { uri } } } } },
});
const nested = (uri: string): Init => ({
  var: "x",
  binding: {
    value: {
      case: "collection",
      value: {
        bindings: [
          { value: { case: "map", value: { bindings: { k: bound(uri).binding ?? {} } } } },
          { value: { case: "offloadedMetadata", value: { uri } } },
          { value: { case: "promise", value: { nodeId: "n0", var: "o0" } } },
        ],
      },
    },
  },
});
const specOf = (uri: string, folder: string) =>
  create(DynamicJobSpecSchema, {
    nodes: [
      { id: "n0", inputs: [bound(uri)] },
      { id: "n1", target: { case: "arrayNode", value: { node: { id: "n1-m", inputs: [nested(uri)] } } } },
      {
        id: "n2",
        target: {
          case: "branchNode",
          value: {
            ifElse: {
              case: { thenNode: { id: "a", inputs: [bound(uri)] } },
              other: [{ thenNode: { id: "b", inputs: [bound(uri)] } }],
              default: { case: "elseNode", value: { id: "c", inputs: [bound(uri)] } },
            },
          },
        },
      },
    ],
    outputs: [bound(uri)],
    subworkflows: [
      {
        nodes: [{ id: "s", inputs: [bound(uri)] }],
        failureNode: { id: "f", inputs: [bound(uri)] },
        outputs: [nested(uri)],
      },
    ],
    tasks: [
      { target: { case: "container", value: { args: ["pyflyte-fast-execute", "--dest-dir", folder, "--", "x"] } } },
      { type: "no-container" },
    ],
  });

test("every value and every folder of the attempt that wrote it is replaced", () => {
  const spec = specOf("/here/a", "/agent/attempts/1/work");
  const rewrite = (uri: string) => uri.replace("/here", "s3://there");
  makePortable(spec, { uri: rewrite, text: rewrite }, "/agent/attempts/1/work");
  expect(spec).toEqual(specOf("s3://there/a", "."));
});
