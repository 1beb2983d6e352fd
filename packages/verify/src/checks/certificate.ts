import type { WeightView } from "@espalier/core";
import { auditCertificate, type CertifiedWeightFinding } from "../certificate/audit-certificate.js";
import type { Certificate } from "../certificate/certificate.js";
import { matricesOf } from "../certificate/matrices.js";
import { MatrixDigest, matrixRows } from "../certificate/matrix.js";
import { listText } from "../list-text.js";
import { type CheckDefinition, counted, type Finding } from "./check-definition.js";

/** The masks that a certificate speaks of still hold, and the original is the one that it was issued for. */
export const certificate: CheckDefinition = {
  name: "certificate",
  isAskedFor: ({ certificate: asked }) => asked !== undefined,
  run({ options, reading }) {
    const asked = options.certificate!;
    const strangers = [...otherOriginals(matricesOf(options.original), asked)];
    return judgeCertified(auditCertificate(matricesOf(reading.model), asked), strangers);
  },
};

/** The finding about a model's weights. @param strangers what is wrong with the original, each as one sentence */
export function judgeCertified(weights: readonly CertifiedWeightFinding[], strangers: readonly string[] = []): Finding {
  const problems = [...strangers, ...weights.flatMap(problemOf)];
  const figures = { kind: "certificate", weights } as const;
  const wrong = weights.filter(({ status }) => status === "broken" || status === "missing").length + strangers.length;
  const counts = countsText(weights);
  return wrong === 0
    ? { status: "passed", measured: 0, limit: 0, figures, message: `all certified masks hold: ${counts}` }
    : {
        status: "failed",
        measured: wrong,
        limit: 0,
        figures,
        message: `${problems.slice(0, 3).join("; ")}; ${counts}`,
      };
}

function* otherOriginals(weights: readonly WeightView[], { weights: certified }: Certificate): Generator<string> {
  const byName = new Map(weights.map((weight) => [weight.name, weight]));
  for (const { name, original } of certified) {
    const weight = byName.get(name);
    if (weight === undefined) yield `the certificate was issued for another original: this one has no weight "${name}"`;
    else if (digestOf(weight) !== original)
      yield `the certificate was issued for another original: weight "${name}" differs`;
  }
}

function digestOf(weight: WeightView): string {
  const digest = new MatrixDigest();
  for (const row of matrixRows(weight)) digest.add(row);
  return digest.text();
}

function problemOf({ name, found, status, broken, first }: CertifiedWeightFinding): string[] {
  const renamed = found === null || found === name ? "" : ` (here "${found}")`;
  if (status === "missing") return [`weight "${name}" is not there: none of its size has its zeros`];
  if (status !== "broken") return [];
  return [`weight "${name}"${renamed}: ${counted(broken, "certified zero")} not zero, first at ${first}`];
}

function countsText(weights: readonly CertifiedWeightFinding[]): string {
  const named = (wanted: CertifiedWeightFinding["status"], meaning: string): string[] => {
    const names = weights.filter(({ status }) => status === wanted).map(({ name }) => `"${name}"`);
    if (names.length === 0) return [];
    return [`${counted(names.length, "weight")} ${meaning} (${listText(names)})`];
  };
  const same = weights.filter(({ status }) => status === "same").length;
  const parts = [
    ...(same > 0 ? [`${counted(same, "weight")} exactly as certified`] : []),
    ...named("moved", "with other values and the same zeros"),
    ...named("broken", "with broken masks"),
    ...named("missing", "missing"),
  ];
  return parts.join(", ");
}
