import { Command, CommanderError } from "commander";
import pc from "picocolors";
import { VERSION } from "../version.js";
import { calibrateCommand } from "./calibrate.js";
import { messageOf } from "./error-message.js";
import { EXIT, exitCodeOf } from "./exit-code.js";
import { exportCommand } from "./export.js";
import { inspectCommand } from "./inspect.js";
import { Interrupted } from "./interrupt.js";
import { mergeCommand } from "./merge.js";
import { pruneCommand } from "./prune.js";
import { runCommand } from "./run.js";
import { sweepCommand } from "./sweep.js";
import { verifyCommand } from "./verify.js";

const program = new Command("espalier")
  .description("Prune ONNX models for the edge, and prove that they still work")
  .version(VERSION)
  .addCommand(inspectCommand())
  .addCommand(pruneCommand())
  .addCommand(calibrateCommand())
  .addCommand(mergeCommand())
  .addCommand(exportCommand())
  .addCommand(verifyCommand())
  .addCommand(runCommand())
  .addCommand(sweepCommand())
  .addHelpText(
    "after",
    "\nExit codes: 0 done, 1 a verification failed, 2 wrong usage, 3 unusable input, 4 output not written",
  );

for (const command of [program, ...program.commands]) command.exitOverride();

// A reader that has seen enough, such as `| head`, is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

try {
  await program.parseAsync();
} catch (error) {
  end(error);
}

function end(error: unknown): void {
  if (error instanceof CommanderError) {
    // commander has printed its message; asking for help or the version is no error
    process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
    return;
  }
  if (error instanceof Interrupted) {
    process.stderr.write(`${error.message}\n`);
    process.kill(process.pid, error.signal);
    return;
  }
  const code = exitCodeOf(error);
  if (code === undefined) throw error;
  process.stderr.write(`${pc.red("error:")} ${messageOf(error as Error)}\n`);
  process.exitCode = code;
}
