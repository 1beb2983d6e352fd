import { describe, expect, it } from "vitest";
import { InOrder } from "./in-order.js";

describe("InOrder", () => {
  it("hands items on by their numbers", () => {
    const taken: string[] = [];
    const ordered = new InOrder<string>((item) => taken.push(item), 2);
    ordered.put(1, "b");
    ordered.put(2, "c");
    expect(taken).toEqual([]);
    ordered.put(0, "a");
    expect(taken).toEqual(["a", "b", "c"]);
  });

  it("lets nobody run further ahead than it is told", async () => {
    const ordered = new InOrder<number>(() => {}, 1);
    await ordered.room(1);
    let hasRoom = false;
    const waiting = ordered.room(2).then(() => {
      hasRoom = true;
    });
    await Promise.resolve();
    expect(hasRoom).toBe(false);
    ordered.put(0, 0);
    await waiting;
    expect(hasRoom).toBe(true);
  });

  it("lets everybody go when it is closed", async () => {
    const ordered = new InOrder<number>(() => {}, 0);
    const waiting = ordered.room(9);
    ordered.close();
    await waiting;
  });
});
