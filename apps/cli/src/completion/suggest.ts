import type { Command, Option } from "commander";

/** A word that may come next, and what it means. */
export interface Suggestion {
  readonly word: string;
  readonly description: string;
}

/**
 * What may stand in place of the last of `words`, which come behind the program's name: commands, options, and the
 * choices of an option or an argument.
 */
export function suggest(program: Command, words: readonly string[]): Suggestion[] {
  const partial = words.at(-1) ?? "";
  const { command, awaiting } = walk(program, words.slice(0, -1));
  const all = awaiting ? choicesOf(awaiting) : partial.startsWith("-") ? optionsOf(command) : wordsOf(command);
  return all.filter(({ word }) => word.startsWith(partial));
}

/** The command that the words lead to, and the option whose value comes next. */
function walk(program: Command, words: readonly string[]): { command: Command; awaiting: Option | undefined } {
  let command = program;
  let awaiting: Option | undefined;
  for (const word of words) {
    if (awaiting) {
      awaiting = undefined;
      continue;
    }
    if (word.startsWith("-")) {
      const option = command.options.find(({ short, long }) => word === short || word === long);
      awaiting = option?.required ? option : undefined;
      continue;
    }
    command = command.commands.find((one) => one.name() === word || one.aliases().includes(word)) ?? command;
  }
  return { command, awaiting };
}

const choicesOf = ({ argChoices, description }: Option): Suggestion[] =>
  (argChoices ?? []).map((word) => ({ word, description }));

const optionsOf = (command: Command): Suggestion[] => [
  ...command.options
    .filter(({ hidden }) => !hidden)
    .map(({ long, short, description }) => ({ word: long ?? short ?? "", description })),
  { word: "--help", description: "show what the command does" },
];

function wordsOf(command: Command): Suggestion[] {
  const visible = command.createHelp().visibleCommands(command);
  const commands = visible.map((one) => ({ word: one.name(), description: one.description() }));
  const choices = command.registeredArguments.flatMap(({ argChoices = [], description }) =>
    argChoices.map((word) => ({ word, description })),
  );
  return [...commands, ...choices];
}
