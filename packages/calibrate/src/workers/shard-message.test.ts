import type { Sample } from "@espalier/runtime";
import { describe, expect, it } from "vitest";
import type { Shard } from "../collect/shard.js";
import { decodeShard, encodeShard } from "./shard-message.js";

const samples: Sample[] = [
  {
    f32: { dtype: "float32", dims: [1, 3], data: Float32Array.of(Number.NaN, -0, 1.5) },
    f64: { dtype: "float64", dims: [1, 1], data: Float64Array.of(Math.PI) },
    f16: { dtype: "float16", dims: [1, 1], data: Uint16Array.of(0x7e01) },
    bf16: { dtype: "bfloat16", dims: [1, 1], data: Uint16Array.of(0x3f80) },
    i8: { dtype: "int8", dims: [1, 3], data: Int8Array.of(-128, 0, 127) },
    u8: { dtype: "uint8", dims: [1, 1], data: Uint8Array.of(255) },
    i16: { dtype: "int16", dims: [1, 1], data: Int16Array.of(-2) },
    u16: { dtype: "uint16", dims: [1, 1], data: Uint16Array.of(65535) },
    i32: { dtype: "int32", dims: [1, 1], data: Int32Array.of(-5) },
    u32: { dtype: "uint32", dims: [1, 1], data: Uint32Array.of(2 ** 32 - 1) },
    i64: { dtype: "int64", dims: [1, 2], data: BigInt64Array.of(-(2n ** 63n), 7n) },
    u64: { dtype: "uint64", dims: [1, 1], data: BigUint64Array.of(2n ** 64n - 1n) },
    bool: { dtype: "bool", dims: [1, 3], data: Uint8Array.of(1, 0, 1) },
    text: { dtype: "string", dims: [1, 2], data: ["", "naïve 🌳"] },
    scalar: { dtype: "float32", dims: [], data: Float32Array.of(3) },
    empty: { dtype: "int64", dims: [0, 4], data: new BigInt64Array(0) },
  },
  { view: { dtype: "float32", dims: [1, 2], data: Float32Array.of(9, 1, 2, 9).subarray(1, 3) } },
];
const shard: Shard = { index: 3, first: 96, samples };

describe("a shard message", () => {
  it("brings every dtype over, bit for bit, whatever stood before it", () => {
    const decoded = decodeShard(structuredClone(encodeShard(shard)));
    expect(decoded).toEqual(shard);
    const bits = (sample: Sample) => [
      ...new Uint8Array(new Uint32Array((sample.f32!.data as Float32Array).slice().buffer)),
    ];
    expect(bits(decoded.samples[0]!)).toEqual(bits(samples[0]!));
  });

  it("copies the numbers once: what is decoded lies in the memory of the message", () => {
    const message = encodeShard(shard);
    const [decoded] = decodeShard(message).samples;
    expect((decoded!.f32!.data as Float32Array).buffer).toBe(message.numbers);
    expect(message.head.length).toBeLessThan(2000);
  });

  it("takes memory that is there, whatever stands in it, unless it is too small", () => {
    const { byteLength } = encodeShard(shard).numbers;
    const spare = new Uint8Array(byteLength + 8).fill(0xff).buffer;
    const message = encodeShard(shard, spare);
    expect(message.numbers).toBe(spare);
    expect(decodeShard(message)).toEqual(shard);
    const other = encodeShard(shard, new ArrayBuffer(byteLength - 1));
    expect(other.numbers.byteLength).toBe(byteLength);
    expect(decodeShard(other)).toEqual(shard);
  });

  it("holds samples without numbers", () => {
    const texts: Shard = { index: 0, first: 0, samples: [{ text: { dtype: "string", dims: [1], data: ["a"] } }] };
    expect(decodeShard(encodeShard(texts))).toEqual(texts);
  });
});
