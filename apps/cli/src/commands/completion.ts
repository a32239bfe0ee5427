import { Argument, Command } from "commander";
import { COMPLETION_SCRIPTS, SHELLS } from "../completion/scripts.ts";
import { suggest } from "../completion/suggest.ts";
import { withExamples } from "../session/session.ts";

/** `skein completion`: what makes Tab work in a shell. */
export const completion = (): Command =>
  withExamples(
    new Command("completion")
      .description("Write what a shell must read so that Tab completes commands and options")
      .addArgument(new Argument("<shell>").choices(SHELLS)),
    "source <(skein completion bash)                                    # in ~/.bashrc",
    "source <(skein completion zsh)                                     # in ~/.zshrc, after compinit",
    "skein completion fish > ~/.config/fish/completions/skein.fish",
  ).action((shell: keyof typeof COMPLETION_SCRIPTS) => void process.stdout.write(COMPLETION_SCRIPTS[shell]));

/** What the scripts ask: a line for each word that may come next, with its meaning behind a tab. */
export const complete = (): Command =>
  new Command("complete")
    .argument("[words...]")
    .allowUnknownOption()
    .action((words: readonly string[], _options: object, command: Command) => {
      const program = command.parent;
      if (!program) return;
      const lines = suggest(program, words).map(({ word, description }) => `${word}\t${description}\n`);
      process.stdout.write(lines.join(""));
    });
