import { CRITERION_NAMES, type Criterion, parseCriterion } from "@espalier/core";
import { type Obs, obs, type RecoveryMethod } from "@espalier/recover";
import { EspalierError } from "../errors.js";

/** A criterion with what is done about its damage. */
export interface Method {
  readonly criterion: Criterion | Obs;
  readonly recover: RecoveryMethod;
  /** What it has to know of the weights' inputs: nothing, sums over them, or the samples themselves. */
  readonly needs: "nothing" | "statistics" | "samples";
}

const RECOVERIES = ["bias", "scale", "obs", "least-squares"] as const;

/**
 * What a sweep means by `l1`, `wanda`, `obs`, `wanda+least-squares`, …: a criterion, and after a `+` a recovery. Without one kept
 * weights stay as they are, but `obs` chooses so that adjusted weights fit, and so implies its own adjustment.
 *
 * @param seed of `random` @default 0
 * @throws {EspalierError} `usage` for a name that is none
 */
export function parseMethod(text: string, seed?: number): Method {
  const [name = "", recovery, ...rest] = text.split("+");
  const known = [...CRITERION_NAMES, "obs"];
  if (!known.includes(name)) {
    throw usage(
      `the criterion is ${JSON.stringify(text)}, expected one of ${known.join(", ")}, or with a recovery as in obs+least-squares`,
    );
  }
  if (rest.length > 0 || (recovery !== undefined && !isRecovery(recovery))) {
    throw usage(`the criterion is ${JSON.stringify(text)}: after + stands one of ${RECOVERIES.join(", ")}`);
  }
  const criterion = name === "obs" ? obs() : parseCriterion(name, name === "random" ? seed : undefined);
  const recover = recovery ?? (name === "obs" ? "obs" : "none");
  const asIs = "needsStatistics" in criterion && criterion.needsStatistics ? "statistics" : "nothing";
  return { criterion, recover: recover as RecoveryMethod, needs: recover === "none" ? asIs : "samples" };
}

function isRecovery(text: string): boolean {
  return (RECOVERIES as readonly string[]).includes(text);
}

function usage(message: string): EspalierError {
  return new EspalierError("usage", message);
}
