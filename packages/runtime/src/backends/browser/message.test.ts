import type { Tensor } from "@espalier/runtime";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeMessage, encodeMessage, type Message, packTensors, unpackTensors } from "./message.js";

/** Through one buffer, as a request brings it. */
async function sent(message: Message): Promise<Message> {
  return decodeMessage(await new Blob(encodeMessage(message)).arrayBuffer());
}

describe("a message", () => {
  it("lays out lengths, text and parts at multiples of 8 bytes", async () => {
    const bytes = new Uint8Array(await new Blob(encodeMessage({ head: 1, parts: [Uint8Array.of(7)] })).arrayBuffer());
    const text = '{"head":1,"lengths":[1]}';
    expect(text).toHaveLength(24);
    expect([...bytes]).toEqual([24, 0, 0, 0, 0, 0, 0, 0, ...new TextEncoder().encode(text), 7, 0, 0, 0, 0, 0, 0, 0]);
  });

  it("comes out as it went in, whatever the lengths", async () => {
    const message = fc.record({ head: fc.jsonValue(), parts: fc.array(fc.uint8Array({ maxLength: 33 })) });
    await fc.assert(
      fc.asyncProperty(message, async ({ head, parts }) => {
        // -0 is the one number that JSON loses.
        expect(await sent({ head, parts })).toEqual({ head: JSON.parse(JSON.stringify(head)), parts });
      }),
      { seed: 4, numRuns: 200 },
    );
  });
});

describe("tensors in a message", () => {
  it("keep dtype, dims and every bit, with text and empty ones between", async () => {
    const tensors: Record<string, Tensor> = {
      a: { dtype: "bool", dims: [3], data: Uint8Array.of(1, 0, 1) },
      b: { dtype: "int64", dims: [1, 2], data: BigInt64Array.of(-(2n ** 63n), 2n ** 53n + 1n) },
      c: { dtype: "string", dims: [2], data: ["", "枝 🌳"] },
      d: { dtype: "float32", dims: [0, 4], data: new Float32Array(0) },
      e: { dtype: "float32", dims: [2], data: new Float32Array(Uint32Array.of(0x7fc00001, 0x80000000).buffer) },
      f: { dtype: "float64", dims: [], data: Float64Array.of(5e-324) },
    };
    const { heads, parts } = packTensors(Object.entries(tensors));
    const { head, parts: received } = await sent({ head: heads, parts });
    const unpacked = unpackTensors(head as typeof heads, received);
    expect(unpacked).toEqual(tensors);
    const bits = ({ data }: Tensor) => [...new Uint32Array((data as Float32Array).slice().buffer)];
    expect(bits(unpacked.e!)).toEqual([0x7fc00001, 0x80000000]);
  });

  it("may be views into larger, shared memory: only what they show is sent", async () => {
    const shared = new Float32Array(new SharedArrayBuffer(16));
    shared.set([9, 1, 2, 9]);
    const view: Tensor = { dtype: "float32", dims: [2], data: shared.subarray(1, 3) };
    const { heads, parts } = packTensors([["x", view]]);
    const { head, parts: received } = await sent({ head: heads, parts });
    expect(received[0]!.length).toBe(8);
    expect(unpackTensors(head as typeof heads, received).x!.data).toEqual(Float32Array.of(1, 2));
  });
});
