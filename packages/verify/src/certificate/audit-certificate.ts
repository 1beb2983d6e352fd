import { describeLocation, type WeightView } from "@espalier/core";
import { VerifyError } from "../verify-error.js";
import type { Certificate, CertifiedWeight } from "./certificate.js";
import { MatrixDigest, matrixRows } from "./matrix.js";
import { unpackMask } from "./packed-mask.js";

/** What became of one certified weight. */
export interface CertifiedWeightFinding {
  readonly name: string;
  /** Its name in the model at hand; null where no weight there has its size and its zeros. */
  readonly found: string | null;
  /**
   * `same`: every value as certified. `moved`: all certified zeros are zero, other values changed, as a quantiser does.
   * `broken`: some certified zeros are not zero. `missing`: it is not there.
   */
  readonly status: "same" | "moved" | "broken" | "missing";
  /** How many certified zeros are not zero. */
  readonly broken: number;
  /** The first of these, in words. */
  readonly first?: string;
}

/** A weight under another name is taken for a certified one if at most this part of the certified zeros is not zero. */
const LARGEST_STRANGENESS = 0.01;

/**
 * Looks for every certified weight in a model and says whether its zeros are still there. A weight is looked for by its name, then
 * by its size and its zeros, since quantisers and optimisers rename and transpose.
 *
 * @param weights of the model at hand, as matrices; each is read a few times, one at a time
 * @throws {VerifyError} `bad-certificate` where a mask is none
 * @throws {OnnxError} when a weight cannot be read
 */
export function auditCertificate(weights: readonly WeightView[], certificate: Certificate): CertifiedWeightFinding[] {
  const left = new Map(weights.map((weight) => [weight.name, weight]));
  const byName = certificate.weights.map((certified) => {
    const weight = left.get(certified.name);
    if (weight === undefined || !sameSize(weight, certified)) return undefined;
    left.delete(weight.name);
    return weight;
  });
  return certificate.weights.map((certified, index) => {
    const named = byName[index];
    if (named !== undefined) return audit(named, certified);
    const finding = bestMatch([...left.values()], certified);
    if (finding === undefined) return { name: certified.name, found: null, status: "missing", broken: certified.zeros };
    left.delete(finding.found!);
    return finding;
  });
}

function bestMatch(candidates: readonly WeightView[], certified: CertifiedWeight): CertifiedWeightFinding | undefined {
  const findings = candidates.filter((weight) => sameSize(weight, certified)).map((weight) => audit(weight, certified));
  const [best] = findings.toSorted((a, b) => a.broken - b.broken);
  return best !== undefined && best.broken <= LARGEST_STRANGENESS * certified.zeros ? best : undefined;
}

function sameSize(weight: WeightView, { outChannels, inFeatures }: CertifiedWeight): boolean {
  return weight.outChannels === outChannels && weight.inFeatures === inFeatures;
}

function audit(weight: WeightView, certified: CertifiedWeight): CertifiedWeightFinding {
  const bits = unpackMask(certified.mask, weight.outChannels * weight.inFeatures);
  if (bits === undefined) {
    throw new VerifyError("bad-certificate", `the certificate's mask of weight "${certified.name}" cannot be read`);
  }
  const digest = new MatrixDigest();
  let index = 0;
  let broken = 0;
  let first = -1;
  for (const row of matrixRows(weight)) {
    digest.add(row);
    for (const value of row) {
      if (value !== 0 && ((bits[index >>> 3]! >> (index & 7)) & 1) === 0 && broken++ === 0) first = index;
      index++;
    }
  }
  const same = digest.text() === certified.pruned;
  const status = same ? "same" : broken === 0 ? "moved" : "broken";
  return {
    name: certified.name,
    found: weight.name,
    status,
    broken,
    ...(first >= 0 && { first: place(weight, first) }),
  };
}

function place({ inFeatures }: WeightView, index: number): string {
  return describeLocation({ outChannel: Math.floor(index / inFeatures), inFeature: index % inFeatures });
}
