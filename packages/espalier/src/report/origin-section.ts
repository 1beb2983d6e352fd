import { PRUNING_RECORD_KEY, type PruningStep, parsePruningRecord } from "@espalier/core";
import { type Model, metadata } from "@espalier/onnx";
import { dataTable } from "./data-table.js";
import { html, type Markup } from "./markup.js";
import { shareText } from "./number-text.js";
import type { Section } from "./page.js";

/** The commands that made the report, and what the pruned model's record says of how it was pruned. */
export function originSection(commands: readonly string[], pruned?: Model): Section | undefined {
  const steps = pruned === undefined ? [] : stepsOf(pruned);
  if (commands.length === 0 && steps.length === 0) return undefined;
  return {
    id: "origin",
    title: "How it was made",
    body: [
      commands.length > 0 && html`<pre><code>${commands.map(lineOf)}</code></pre>`,
      steps.length > 0 && stepTable(steps),
    ],
  };
}

/** A command on a line of its own. */
function lineOf(command: string): Markup {
  return html`${command}\n`;
}

function stepsOf(pruned: Model): readonly PruningStep[] {
  const text = metadata(pruned).get(PRUNING_RECORD_KEY);
  const parsed = text === undefined ? undefined : parsePruningRecord(text);
  return parsed?.ok ? parsed.record.steps : [];
}

function stepTable(steps: readonly PruningStep[]): Markup {
  return dataTable("The pruning record inside the model, oldest step first.", steps, [
    { heading: "tool", cell: ({ tool }) => tool },
    { heading: "criterion", cell: ({ criterion }) => criterion },
    { heading: "pattern", cell: ({ pattern }) => pattern },
    { heading: "zeros asked for", cell: ({ sparsity }) => shareText(sparsity), numeric: true },
    { heading: "compared within", cell: ({ group }) => group ?? "–" },
    { heading: "divided by", cell: ({ allocation }) => allocation ?? "–" },
    { heading: "recovered by", cell: ({ recover }) => recover ?? "–" },
    { heading: "weights", cell: ({ weights }) => weights.length, numeric: true },
  ]);
}
