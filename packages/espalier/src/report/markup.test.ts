import { describe, expect, it } from "vitest";
import { html, trusted, visible } from "./markup.js";

describe("html", () => {
  it("escapes what stands in text and in attributes, once", () => {
    const name = `<script>alert("1")</script> & 'x'`;
    const escaped = "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;";
    expect(html`<p title="${name}">${name}</p>`.text).toBe(`<p title="${escaped}">${escaped}</p>`);
    expect(html`<div>${html`<p>${"&amp;"}</p>`}</div>`.text).toBe("<div><p>&amp;amp;</p></div>");
  });

  it("takes markup as it is, lists one after the other, and nothing for undefined and false", () => {
    expect(html`<ul>${[trusted("<li>"), 0, "<"]}${undefined}${false}</ul>`.text).toBe("<ul><li>0&lt;</ul>");
  });
});

describe("visible", () => {
  it("shows what turns or hides text, so that two names cannot look alike", () => {
    expect(visible("layer\u202E1\u2066")).toBe("layer⟨U+202E⟩1⟨U+2066⟩");
    expect(visible("a\u200Bb\u0000c\u00ADd\u{E0041}")).toBe("a⟨U+200B⟩b⟨U+0000⟩c⟨U+00AD⟩d⟨U+E0041⟩");
    expect(visible("half \uD800 a pair")).toBe("half ⟨U+D800⟩ a pair");
  });

  it("keeps one line, and letters of every script", () => {
    expect(visible("a\r\n\tb")).toBe("a b");
    expect(visible("слой 層 שכבה 🌳")).toBe("слой 層 שכבה 🌳");
  });
});
