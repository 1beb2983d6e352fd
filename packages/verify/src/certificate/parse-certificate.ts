import { VerifyError } from "../verify-error.js";
import { CERTIFICATE_KIND, type Certificate } from "./certificate.js";

/**
 * Reads a certificate. Anybody can have written the file, so every field that is used is checked; unknown ones stay.
 *
 * @param text of the file
 * @throws {VerifyError} `bad-certificate` with what is wrong
 */
export function parseCertificate(text: string): Certificate {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw bad("it is not JSON, or it is cut off", cause);
  }
  if (!isObject(value) || value.kind !== CERTIFICATE_KIND) throw bad(`it does not say "kind": "${CERTIFICATE_KIND}"`);
  if (value.version !== 1) throw bad(`expected version 1, found ${JSON.stringify(value.version)}`);
  const { weights, verification } = value;
  if (!Array.isArray(weights)) throw bad("it has no list of weights");
  for (const [index, weight] of weights.entries()) requireWeight(weight, index);
  if (!isObject(verification) || !isObject(verification.bytes) || !isCount(verification.bytes.original)) {
    throw bad("it holds no verification");
  }
  return value as unknown as Certificate;
}

function requireWeight(weight: unknown, index: number): void {
  if (!isObject(weight) || typeof weight.name !== "string") throw bad(`weight ${index} has no name`);
  const refuse = (what: string) => bad(`weight ${JSON.stringify(weight.name)} has no valid ${what}`);
  const { outChannels, inFeatures, zeros, mask } = weight;
  if (!isCount(outChannels) || !isCount(inFeatures) || outChannels * inFeatures > 2 ** 32) throw refuse("size");
  if (!isCount(zeros)) throw refuse("number of zeros");
  for (const part of ["original", "pruned"] as const) {
    if (!/^sha256:[0-9a-f]{64}$/.test(String(weight[part]))) throw refuse(`digest "${part}"`);
  }
  if (typeof mask !== "string") throw refuse("mask");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function bad(problem: string, cause?: unknown): VerifyError {
  return new VerifyError("bad-certificate", `this is no certificate: ${problem}`, { cause });
}
