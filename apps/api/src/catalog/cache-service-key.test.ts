import { expect, test } from "vitest";
import { cacheServiceKey, readCacheServiceKey } from "./cache-service-key.ts";

test("a key of ours is read back, whatever its parts hold", () => {
  const address = {
    project: "p",
    domain: "d",
    datasetName: "flyte_task-a/b:c d",
    datasetVersion: "1/2%-x-y",
    tag: "t",
  };
  expect(cacheServiceKey(address)).toBe("p/d/flyte_task-a%2Fb%3Ac%20d/1%2F2%25-x-y/t");
  expect(readCacheServiceKey(cacheServiceKey(address))).toEqual(address);
});

test.each(["opaque", "", "a/b", "a/b/c/d/e/f", "a//c/d/e", "a/b/c/d/%E0%A4%A", "/////"])(
  "%j is a client's own key",
  (key) => {
    expect(readCacheServiceKey(key)).toEqual({
      project: "",
      domain: "",
      datasetName: "flyte_cacheservice",
      datasetVersion: "",
      tag: key,
    });
  },
);
