import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { parseMemoryGrowth } from "@skein/engine";
import { invariant } from "@skein/errors";
import { Resources_ResourceName as ResourceName, TaskTemplateSchema } from "@skein/idl/core";
import { expect, test } from "vitest";
import { grownTemplate } from "./grown-template.ts";

const { CPU, MEMORY } = ResourceName;
const growth = parseMemoryGrowth("x2 max 1Gi");
invariant(growth, "the growth can be read");
const grown = (template: MessageInitShape<typeof TaskTemplateSchema>, times: number) =>
  grownTemplate(create(TaskTemplateSchema, template), growth, times).target;

test("a container asks for more memory and may use more, up to the maximum; nothing else of it changes", () => {
  const resources = {
    requests: [
      { name: CPU, value: "1" },
      { name: MEMORY, value: "100Mi" },
    ],
    limits: [{ name: MEMORY, value: "200M" }],
  };
  const once = grown({ target: { case: "container", value: { image: "i", resources } } }, 1);
  expect(once.value).toMatchObject({
    image: "i",
    resources: { requests: [{ value: "1" }, { value: "200Mi" }], limits: [{ value: "382Mi" }] },
  });
  const often = grown({ target: { case: "container", value: { resources } } }, 9);
  expect(often.value).toMatchObject({
    resources: { requests: [{}, { value: "1024Mi" }], limits: [{ value: "1024Mi" }] },
  });
});

test("of a pod the container of the task grows, and no other", () => {
  const container = (name: string) => ({ name, resources: { requests: { memory: "1Mi" }, limits: { memory: "odd" } } });
  const value = { podSpec: { containers: [container("primary"), container("proxy"), { name: "bare" }] } };
  const { value: pod } = grown({ target: { case: "k8sPod", value } }, 3);
  expect(pod).toMatchObject({
    podSpec: {
      containers: [
        { resources: { requests: { memory: "8Mi" }, limits: { memory: "odd" } } },
        { resources: { requests: { memory: "1Mi" } } },
        { name: "bare" },
      ],
    },
  });
});

test("a task that says nothing of memory stays as it is", () => {
  expect(grown({ target: { case: "container", value: { image: "i" } } }, 2).value).toMatchObject({ image: "i" });
  expect(grown({ target: { case: "k8sPod", value: { podSpec: {} } } }, 2).value).toMatchObject({ podSpec: {} });
  expect(grown({}, 2)).toEqual({ case: undefined });
});
