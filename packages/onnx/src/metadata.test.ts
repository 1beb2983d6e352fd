import { decodeModel, encodeModel, metadata, withMetadata } from "@espalier/onnx";
import { buildModel } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { richModel } from "../fixtures/rich-model.js";
import { stringEntryRecord } from "../src/wire-record.js";

const set = (bytes: Uint8Array, entries: Record<string, string>) =>
  withMetadata(decodeModel(bytes), new Map(Object.entries(entries)));

describe("metadata", () => {
  it("is empty for a model without any", () => {
    expect(metadata(decodeModel(buildModel({ nodes: [] })))).toEqual(new Map());
  });

  it("takes the last value of a key that appears twice", () => {
    expect(metadata(decodeModel(richModel()))).toEqual(
      new Map([
        ["first", "again"],
        ["second", "2"],
      ]),
    );
  });

  it("shows values that were set and not written yet", () => {
    expect(metadata(set(richModel(), { second: "new", third: "3" })).get("second")).toBe("new");
  });
});

describe("withMetadata", () => {
  it("appends a new key at the end of the file and moves nothing", () => {
    const bytes = richModel();
    const out = encodeModel(set(bytes, { espalier: "ü" }));
    expect(out.slice(0, bytes.length)).toEqual(bytes);
    expect(out.slice(bytes.length)).toEqual(stringEntryRecord(14, "espalier", "ü"));
    expect(metadata(decodeModel(out)).get("espalier")).toBe("ü");
  });

  it("replaces the value that counts in its old place", () => {
    const out = decodeModel(encodeModel(set(richModel(), { first: "a longer value than before", second: "" })));
    expect(out.proto.metadataProps.map(({ key, value }) => `${key}=${value}`)).toEqual([
      "first=1",
      "second=",
      "first=a longer value than before",
    ]);
  });

  it("changes nothing when a key has the value already", () => {
    expect(encodeModel(set(richModel(), { second: "2", first: "again" }))).toEqual(richModel());
  });

  it("lets later values win over earlier ones that were not written", () => {
    const twice = withMetadata(set(richModel(), { a: "1", b: "1" }), new Map([["a", "2"]]));
    const out = decodeModel(encodeModel(twice));
    expect([metadata(out).get("a"), metadata(out).get("b")]).toEqual(["2", "1"]);
    expect(out.proto.metadataProps.length).toBe(5);
  });
});
