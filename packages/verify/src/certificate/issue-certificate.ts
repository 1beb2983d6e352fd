import type { WeightView } from "@espalier/core";
import type { VerifyOptions } from "../options.js";
import type { Verification } from "../verification.js";
import { createContext } from "../verify-context.js";
import { VerifyError } from "../verify-error.js";
import { CERTIFICATE_KIND, type Certificate, type CertifiedWeight } from "./certificate.js";
import { MatrixDigest, matrixRows } from "./matrix.js";
import { packMask } from "./packed-mask.js";

/** What is certified. */
export interface CertificateRequest extends Pick<VerifyOptions, "original" | "pruned" | "backend"> {
  /** What {@link verifyPruned} said about these two; must be `passed`. */
  readonly verification: Verification;
  /** Programs that took part, and their versions. */
  readonly versions: Readonly<Record<string, string>>;
}

/**
 * Certifies a pruned model that was verified. Reads weights one at a time; one bit for every entry of the pruned weights goes in.
 *
 * @throws {VerifyError} `not-passed` when the verification failed: there is nothing to certify
 * @throws {OnnxError} when a weight cannot be read
 * @throws {RunnerError} when weights are encoded and the backend that reads them is missing
 */
export async function issueCertificate({
  original,
  pruned,
  backend,
  verification,
  versions,
}: CertificateRequest): Promise<Certificate> {
  if (verification.status === "failed") {
    throw new VerifyError("not-passed", "the verification failed: there is nothing to certify");
  }
  const { steps, prunedWeights } = await createContext({ original, pruned, ...(backend && { backend }) });
  const weights = prunedWeights.map((pair) => certify(pair.name, pair.original, pair.pruned));
  return { kind: CERTIFICATE_KIND, version: 1, versions, steps, weights, verification };
}

/** The certificate as the text of its file; ends in a newline. */
export function encodeCertificate(certificate: Certificate): string {
  return `${JSON.stringify(certificate, null, 1)}\n`;
}

function certify(name: string, original: WeightView, pruned: WeightView): CertifiedWeight {
  const { outChannels, inFeatures } = pruned;
  const before = new MatrixDigest();
  for (const row of matrixRows(original)) before.add(row);
  const after = new MatrixDigest();
  const bits = new Uint8Array(Math.ceil((outChannels * inFeatures) / 8));
  let index = 0;
  let zeros = 0;
  for (const row of matrixRows(pruned)) {
    after.add(row);
    for (const value of row) {
      if (value === 0) zeros++;
      else bits[index >>> 3]! |= 1 << (index & 7);
      index++;
    }
  }
  const digests = { original: before.text(), pruned: after.text() };
  return { name, outChannels, inFeatures, zeros, ...digests, mask: packMask(bits) };
}
