import type { Reporter, TestModule } from "vitest/node";

/** Ends the run's output with `N passed, N failed` alone on a line, for machines that read it. */
export default class ClosingLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const states = modules.flatMap((module) => [...module.children.allTests()].map((test) => test.result().state));
    const count = (state: string): number => states.filter((found) => found === state).length;
    const broken = modules.filter((module) => module.errors().length > 0).length + errors.length;
    const line = `${count("passed")} passed, ${count("failed") + broken} failed`;
    // The default reporter prints its own summary in the same event: ours must come after it.
    process.on("exit", () => process.stdout.write(`\n${line}\n`));
  }
}
