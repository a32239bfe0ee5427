import { expect, test } from "vitest";
import { installAdvice } from "./install-advice.ts";

test("advice uses this machine's package manager and the name a package has there", () => {
  const names = { "apt-get": "redis-server", brew: "redis" };
  expect(installAdvice(names, ["apt-get"])).toBe("sudo apt-get install redis-server");
  expect(installAdvice(names, ["brew"])).toBe("brew install redis");
  expect(installAdvice(names, ["dnf"])).toBe("sudo dnf install redis-server");
  expect(installAdvice(names, [])).toBe("sudo apt-get install redis-server");
});
