import type { SkeinInputs, SkeinOutputs } from "@skein/client";
import { type Command, Option } from "commander";
import { collect } from "../input/collect.ts";
import { formatMoment } from "../output/moment.ts";
import type { View } from "../output/print.ts";

type Tick = SkeinOutputs["schedules"]["ticks"]["items"][number];
type Outcome = NonNullable<SkeinInputs["schedules"]["ticks"]["outcomes"]>[number];

const OUTCOMES: Readonly<Record<Outcome, true>> = {
  pending: true,
  launched: true,
  skipped: true,
  missed: true,
  failed: true,
  cancelled: true,
};

export const ticksView: View<Tick> = {
  columns: [
    { title: "MOMENT", text: (tick) => formatMoment(tick.fireAt) },
    { title: "OUTCOME", text: (tick) => tick.outcome },
    { title: "RUN", text: (tick) => tick.run ?? "-" },
    { title: "WHY", text: (tick) => tick.reason ?? "", widthMax: 100 },
  ],
  nameOf: (tick) => tick.fireAt,
  empty: "No moments so far.",
};

/** Adds `--outcome`. */
export function withOutcomes(command: Command): Command {
  const names = Object.keys(OUTCOMES);
  const option = new Option("--outcome <outcome>", `only this (repeat for one of several): ${names.join(", ")}`);
  option.argParser(collect).default([], "");
  option.argChoices = names;
  return command.addOption(option);
}
