import {
  encodePruningRecord,
  type PruningRecord,
  type PruningStep,
  parsePruningRecord,
  weightsDigestChunks,
} from "@espalier/core";
import { describe, expect, it } from "vitest";

const step: PruningStep = {
  tool: "espalier 0.1.0",
  criterion: "l1",
  pattern: "unstructured",
  sparsity: 0.5,
  group: "layer",
  weights: ["a", "b"],
  originalWeights: `sha256:${"0".repeat(64)}`,
};

function problemOf(value: unknown): string {
  const parsed = parsePruningRecord(typeof value === "string" ? value : JSON.stringify(value));
  if (parsed.ok) throw new Error("the record was accepted");
  return parsed.problem;
}

function problemOfStep(change: Record<string, unknown>): string {
  return problemOf({ version: 1, steps: [step, { ...step, ...change }] });
}

describe("encodePruningRecord", () => {
  it("sorts keys at every level and writes no white space", () => {
    expect(encodePruningRecord({ version: 1, steps: [step] })).toBe(
      `{"steps":[{"criterion":"l1","group":"layer","originalWeights":"sha256:${"0".repeat(64)}","pattern":"unstructured",` +
        `"sparsity":0.5,"tool":"espalier 0.1.0","weights":["a","b"]}],"version":1}`,
    );
  });

  it("gives the same text whatever the order of keys in the objects", () => {
    const reversed = Object.fromEntries(Object.entries(step).reverse()) as unknown as PruningStep;
    expect(encodePruningRecord({ steps: [reversed], version: 1 })).toBe(
      encodePruningRecord({ version: 1, steps: [step] }),
    );
  });

  it("keeps the order of steps", () => {
    const record: PruningRecord = { version: 1, steps: [{ ...step, criterion: "z" }, step] };
    expect(parsePruningRecord(encodePruningRecord(record))).toEqual({ ok: true, record });
  });
});

describe("parsePruningRecord", () => {
  it("reads what encodePruningRecord wrote, optional fields and unusual names included", () => {
    const record: PruningRecord = {
      version: 1,
      steps: [{ ...step, seed: -7, weights: ['quote"', "new\nline", "Ωß😀"] }],
    };
    expect(parsePruningRecord(encodePruningRecord(record))).toEqual({ ok: true, record });
  });

  it("reads what says that weights were changed on purpose, and how sparse each is, whatever their names", () => {
    const sparsities = Object.fromEntries([
      ["__proto__", 0.25],
      ["7", 0.75],
    ]);
    const weights = ["7", "__proto__"];
    const record: PruningRecord = {
      version: 1,
      steps: [{ ...step, weights, allocation: "owl", sparsities, recover: "obs", changedTensors: ["b1", "b2"] }],
    };
    const parsed = parsePruningRecord(encodePruningRecord(record));
    expect(parsed).toEqual({ ok: true, record });
    if (parsed.ok) expect(Object.hasOwn(parsed.record.steps[0]!.sparsities!, "__proto__")).toBe(true);
  });

  it("keeps keys it does not know, so that adding a step loses nothing", () => {
    const text = `{"steps":[${JSON.stringify({ ...step, colour: { kind: "blue" } })}],"version":1,"zone":3}`;
    const parsed = parsePruningRecord(text);
    if (!parsed.ok) throw new Error(parsed.problem);
    const again = JSON.parse(encodePruningRecord(parsed.record));
    expect(again.zone).toBe(3);
    expect(again.steps[0].colour).toEqual({ kind: "blue" });
  });

  it("does not let a __proto__ key reach a prototype", () => {
    const text = `{"__proto__":{"polluted":true},"steps":[],"version":1}`;
    const parsed = parsePruningRecord(text);
    if (!parsed.ok) throw new Error(parsed.problem);
    expect(encodePruningRecord(parsed.record)).toBe(text);
    expect("polluted" in {}).toBe(false);
  });

  it("names what is wrong with the whole text", () => {
    expect(problemOf("{")).toBe("the text is not JSON");
    expect(problemOf("")).toBe("the text is not JSON");
    expect(problemOf("null")).toBe("expected an object, found null");
    expect(problemOf("[1]")).toBe("expected an object, found a list");
    expect(problemOf({ version: 2, steps: [] })).toBe("expected version 1, found 2");
    expect(problemOf({ steps: [] })).toBe("expected version 1, found nothing");
    expect(problemOf({ version: 1, steps: {} })).toBe("expected a list of steps, found an object");
  });

  it("names the step and the field that is wrong", () => {
    expect(problemOf({ version: 1, steps: [null] })).toBe("step 0: expected an object, found null");
    expect(problemOfStep({ criterion: 5 })).toBe("step 1: expected criterion to be a text, found 5");
    expect(problemOfStep({ sparsity: 1 })).toBe("step 1: expected sparsity to be a fraction in [0, 1), found 1");
    expect(problemOfStep({ sparsity: -0.1 })).toContain("sparsity");
    expect(problemOfStep({ sparsity: "0.5" })).toContain('found "0.5"');
    expect(problemOfStep({ group: "column" })).toContain("row, layer, model or absent");
    expect(problemOfStep({ seed: 1.5 })).toContain("an integer or absent");
    expect(problemOfStep({ weights: ["a", "a"] })).toContain("a list of distinct names");
    expect(problemOfStep({ weights: [1] })).toContain("a list of distinct names");
    expect(problemOfStep({ originalWeights: `sha256:${"g".repeat(64)}` })).toContain("64 hex digits");
  });

  it("wants a fraction for every weight of an allocation, and for nothing else", () => {
    const allocation = "global";
    expect(problemOfStep({ allocation })).toContain("sparsities to be a fraction in [0, 1) for each of the weights");
    expect(problemOfStep({ sparsities: { a: 0.5, b: 0.5 } })).toContain("allocation to be a text beside sparsities");
    for (const sparsities of [
      { a: 0.5 },
      { a: 0.5, b: 1 },
      { a: 0.5, b: 0.5, c: 0.5 },
      { a: 0.5, c: 0.5 },
      [0.5, 0.5],
    ]) {
      expect(problemOfStep({ allocation, sparsities })).toContain("sparsities");
    }
  });

  it("takes changed tensors only where something was recovered", () => {
    expect(problemOfStep({ changedTensors: ["b"] })).toContain("changedTensors to be a list of distinct names beside");
    expect(problemOfStep({ recover: "obs", changedTensors: ["b", "b"] })).toContain("changedTensors");
    expect(problemOfStep({ recover: true })).toBe("step 1: expected recover to be a text or absent, found true");
  });

  it("cuts a hostile value short in the message", () => {
    expect(problemOfStep({ group: "x".repeat(1e6) }).length).toBeLessThan(120);
  });

  it("refuses text nested so deep that writing it again would overflow the stack", () => {
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    expect(problemOf(`{"version":1,"steps":[],"x":${deep}}`)).toBe("it is nested more than 16 levels deep");
  });
});

describe("weightsDigestChunks", () => {
  const text = (chunks: Iterable<Uint8Array>): string => Buffer.concat([...chunks]).toString("latin1");
  const weight = (name: string, ...pieces: number[][]) => ({
    name,
    byteLength: pieces.flat().length,
    bytes: () => pieces.map((piece) => Uint8Array.from(piece)),
  });

  it("frames each weight by name and length, in name order", () => {
    expect(text(weightsDigestChunks([weight("b", [7]), weight("a", [1, 2])]))).toBe("a\x002\0\x01\x02b\x001\0\x07");
  });

  it("makes the same bytes of a weight whatever pieces it comes in", () => {
    const whole = text(weightsDigestChunks([weight("a", [1, 2, 3]), weight("b", [])]));
    expect(whole).toBe("a\x003\0\x01\x02\x03b\x000\0");
    expect(text(weightsDigestChunks([weight("a", [1], [], [2, 3]), weight("b")]))).toBe(whole);
  });

  it("tells weights apart whose names and bytes run together", () => {
    const one = text(weightsDigestChunks([weight("a", [98, 99])]));
    const other = text(weightsDigestChunks([weight("ab", [99])]));
    expect(one).not.toBe(other);
  });

  it("asks for the bytes of a weight only when it is its turn", () => {
    const asked: string[] = [];
    const lazy = (name: string) => ({ name, byteLength: 1, bytes: () => [new Uint8Array(asked.push(name))] });
    const chunks = weightsDigestChunks([lazy("a"), lazy("b")]);
    chunks.next(); // the name of a
    expect(asked).toEqual([]);
    chunks.next(); // its bytes
    chunks.next(); // the name of b
    expect(asked).toEqual(["a"]);
  });
});
