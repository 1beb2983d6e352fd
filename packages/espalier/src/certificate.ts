import { readFileSync } from "node:fs";
import type { Backend } from "@espalier/runtime";
import {
  type Certificate,
  issueCertificate,
  isVerifyError,
  parseCertificate,
  type Verification,
  VerifyError,
} from "@espalier/verify";
import { EspalierError } from "./errors.js";
import { openModel } from "./open-model.js";
import { VERSION } from "./version.js";

/**
 * Certifies a pruned model that passed its verification: masks, hashes, options and results, to be checked again later with
 * `verify({ certificate })` or, without the original, `verifyCertified`.
 *
 * @param original path or bytes of the model before pruning
 * @param pruned path or bytes of the model after it
 * @param verification what `verify` said about these two
 * @param backend where encoded weights are read @default node
 * @throws {VerifyError} `not-passed` when it failed
 * @throws {OnnxError} when one of the files is no usable ONNX model
 * @throws {RunnerError} when weights are encoded and the backend that reads them is missing
 */
export function certify(
  original: string | Uint8Array,
  pruned: string | Uint8Array,
  verification: Verification,
  backend: Backend = "node",
): Promise<Certificate> {
  const models = { original: openModel(original), pruned: openModel(pruned) };
  return issueCertificate({ ...models, backend, verification, versions: { espalier: VERSION } });
}

/**
 * Reads the file of a certificate.
 *
 * @throws {EspalierError} `input` when it cannot be read
 * @throws {VerifyError} `bad-certificate` when it is none
 */
export function readCertificate(path: string): Certificate {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new EspalierError("input", `the certificate cannot be read: ${(cause as Error).message}`, { cause });
  }
  try {
    return parseCertificate(text);
  } catch (cause) {
    if (!isVerifyError(cause)) throw cause;
    throw new VerifyError(cause.code, `${path}: ${cause.message}`, { cause });
  }
}
