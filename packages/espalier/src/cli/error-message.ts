import { isCoreError } from "@espalier/core";
import { printable } from "./table.js";

/** What the command says of an error: its message; for refused weights a line each, and the flags that help. */
export function messageOf(error: Error): string {
  if (!isCoreError(error) || error.code !== "unsupported") return printable(error.message);
  const { refusals } = error;
  const which = refusals.length === 1 ? "a weight cannot" : `${refusals.length} weights cannot`;
  const advice =
    "--exclude what you do not need, choose another --pattern, or keep them dense with --on-unsupported skip";
  return [
    `${which} be pruned as asked; ${advice}:`,
    ...refusals.map(({ name, reason }) => printable(`  ${name}: ${reason}`)),
  ].join("\n");
}
