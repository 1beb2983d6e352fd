import type { PruningStep } from "@espalier/core";
import type { Verification } from "../verification.js";

/** What a certificate's file says it is. */
export const CERTIFICATE_KIND = "espalier.certificate";

/**
 * What was certified about a pruned model: a manifest that is kept beside it and checked again later, also after a quantiser or an
 * optimiser has touched the model. Plain JSON. It is not signed: sign the file if it has to be proof against forgery.
 */
export interface Certificate {
  readonly kind: typeof CERTIFICATE_KIND;
  readonly version: 1;
  /** Program or package → version, such as `espalier` → `0.1.0`. */
  readonly versions: Readonly<Record<string, string>>;
  /** How the model was pruned, oldest first: criteria, patterns, options; from its pruning record, empty without one. */
  readonly steps: readonly PruningStep[];
  /** The weights that were pruned, in the pruned model's order. */
  readonly weights: readonly CertifiedWeight[];
  /** What the judge found then. */
  readonly verification: Verification;
}

/**
 * A pruned weight as the matrix `[outChannels, inFeatures]` that its operator reads, row-major, whatever the layout and the encoding
 * of the file: it is recognised after a transposition, a compression or a change of type.
 */
export interface CertifiedWeight {
  readonly name: string;
  readonly outChannels: number;
  readonly inFeatures: number;
  /** How many entries are zero in the pruned model. */
  readonly zeros: number;
  /** `sha256:` and 64 hex digits over the matrix before pruning, as little-endian float32 (float64 weights: float64). */
  readonly original: string;
  /** The same over the pruned matrix. */
  readonly pruned: string;
  /** One bit for each entry of the pruned matrix, least significant first, 1 = not zero; raw DEFLATE, base64. */
  readonly mask: string;
}
