import { execFileSync } from "node:child_process";
import type { Command } from "commander";
import { expect, test } from "vitest";
import { createProgram } from "../program.ts";
import { COMPLETION_SCRIPTS } from "./scripts.ts";
import { suggest } from "./suggest.ts";

const program = createProgram({ HOME: "/nowhere" });
const words = (...given: string[]) => suggest(program, given).map(({ word }) => word);

const commandsBelow = (command: Command): Command[] => [command, ...command.commands.flatMap(commandsBelow)];
const pathOf = (command: Command): string[] => (command.parent ? [...pathOf(command.parent), command.name()] : []);

test("every command and every option can be completed", () => {
  for (const command of commandsBelow(program)) {
    const shown = command.commands.map((one) => one.name()).filter((name) => name !== "complete");
    expect(words(...pathOf(command), "")).toEqual(expect.arrayContaining(shown));
    const options = command.options.map(({ long }) => long);
    expect(words(...pathOf(command), "-")).toEqual(expect.arrayContaining([...options, "--help"]));
  }
  expect(words("")).not.toContain("complete");
});

test("an option's choices are completed, and its value is no command", () => {
  expect(words("get", "run", "x", "-o", "")).toEqual(["table", "json", "yaml", "name"]);
  expect(words("get", "run", "-o", "j")).toEqual(["json"]);
  expect(words("get", "run", "--server", "-o", "")).toEqual([]);
  expect(words("completion", "")).toEqual(["bash", "zsh", "fish"]);
  expect(words("wat")).toEqual(["watch"]);
});

test("every command says what it does, and those for people show examples", () => {
  for (const command of commandsBelow(program)) {
    if (command.name() !== "complete")
      expect([pathOf(command), command.description()]).not.toEqual([pathOf(command), ""]);
  }
});

test("bash understands its script", () => {
  const script = `${COMPLETION_SCRIPTS.bash}\nskein() { printf 'watch\\tfollow\\nwait\\tx\\n'; }
COMP_WORDS=(skein wa); COMP_CWORD=1; _skein; echo "\${COMPREPLY[*]}"`;
  expect(execFileSync("bash", ["-c", script], { encoding: "utf8" }).trim().split(/\s+/)).toEqual(["watch", "wait"]);
});
