import { UNLIMITED } from "@skein/contracts";
import { expect, test } from "vitest";
import { whyNobody } from "./waiting-reasons.ts";

const small = { isOpen: true, cpuMillis: 2000, memoryMiB: 4096, gpus: 0 };
const large = { isOpen: true, cpuMillis: 8000, memoryMiB: 1024, gpus: 1 };
const closed = { isOpen: false, cpuMillis: 64_000, memoryMiB: 65_536, gpus: 8 };
const asks = { cpuMillis: 4000, memoryMiB: 2048, gpus: 0 };

test.each([
  ["nobody is there", [], null, "No agent serves pool p."],
  ["nobody takes orders", [closed, closed], null, "Every agent of pool p is draining or cordoned."],
  ["somebody has a slot", [small], null, null],
  ["somebody is large enough", [small, { ...large, memoryMiB: 2048 }], asks, null],
  [
    "somebody has no limits",
    [{ isOpen: true, cpuMillis: UNLIMITED, memoryMiB: UNLIMITED, gpus: UNLIMITED }],
    asks,
    null,
  ],
  [
    "nobody has both",
    [small, large, closed],
    asks,
    "No agent is large enough: the task asks for 4 CPUs, 2048 MiB of memory; agents of pool p have 2 CPUs, 4096 MiB of memory; 8 CPUs, 1024 MiB of memory, 1 GPUs.",
  ],
])("where %s", (_, agents, asked, reason) => {
  expect(whyNobody("p", agents, asked)).toBe(reason);
});
