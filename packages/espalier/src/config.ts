import type { ExportFlags } from "./cli/export.js";
import type { PruneFlags } from "./cli/prune.js";
import type { VerifyFlags } from "./cli/verify.js";

/** A flag as it is typed on the command line; `true` for one without a value, a list for one that can be repeated. */
export type FlagValue = string | number | boolean | readonly string[];

type Typed<Flags> = { readonly [Flag in keyof Omit<Flags, "json">]?: FlagValue };

/**
 * What `espalier run` reads: the commands' own flags by their names in camel case, `maxAccuracyDrop` for `--max-accuracy-drop`.
 * Paths are relative to the config's folder. The steps run in this order; each is left out where it is absent, and a failed
 * verification ends the run.
 */
export interface RunConfig {
  /** The model to prune. */
  readonly model: string;
  /** Writes `output`. */
  readonly prune?: Typed<PruneFlags>;
  /** Judges what `prune` wrote against the model. */
  readonly verify?: Typed<VerifyFlags>;
  /** Exports what `prune` wrote, or the model itself where nothing is pruned. */
  readonly export?: Typed<ExportFlags>;
}

/** The config itself; an editor completes and checks it so. */
export function defineConfig(config: RunConfig): RunConfig {
  return config;
}
