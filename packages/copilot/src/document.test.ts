import { expect, test } from "vitest";
import { type Plain, toJson, toYaml } from "./document.ts";

const value: Plain = {
  word: "some words",
  path: "/var/flyte/inputs/file",
  huge: 9_007_199_254_740_993n,
  ratio: 0.5,
  never: Number.NaN,
  yes: "yes",
  number: "12",
  odd: 'a "b": c\n',
  nothing: null,
  list: [1, [2, 3], { a: true, b: [] }],
  map: { "key with: colon": 1, deep: { er: "x" } },
  empty: {},
};

test("JSON has its names in order and every digit", () => {
  expect(toJson(value)).toBe(
    '{"empty":{},"huge":9007199254740993,"list":[1,[2,3],{"a":true,"b":[]}],"map":{"deep":{"er":"x"},"key with: colon":1},"never":"NaN","nothing":null,"number":"12","odd":"a \\"b\\": c\\n","path":"/var/flyte/inputs/file","ratio":0.5,"word":"some words","yes":"yes"}',
  );
});

test("YAML is in blocks, and quotes what would be read as something else", () => {
  expect(toYaml(value)).toBe(`empty: {}
huge: 9007199254740993
list:
- 1
- - 2
  - 3
- a: true
  b: []
map:
  deep:
    er: x
  "key with: colon": 1
never: "NaN"
nothing: null
number: "12"
odd: "a \\"b\\": c\\n"
path: /var/flyte/inputs/file
ratio: 0.5
word: some words
"yes": "yes"
`);
  expect([toYaml({}), toYaml([]), toYaml("x")]).toEqual(["{}\n", "[]\n", '"x"\n']);
});
