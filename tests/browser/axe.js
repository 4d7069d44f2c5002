// What axe-core finds in pages, at every width and in both schemes.
"use strict";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

async function runAxe(pages, library, widths, schemes) {
  const found = { seen: 0, breaches: [] };
  for (const [name, source] of Object.entries(pages)) {
    for (const width of widths) {
      const frame = document.createElement("iframe");
      frame.style.width = `${width}px`;
      frame.style.height = "900px";
      const loaded = new Promise((resolve) => { frame.onload = resolve; });
      // The page itself lets no script run.
      frame.srcdoc = source.replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, "");
      document.body.append(frame);
      await loaded;
      const page = frame.contentDocument;
      const script = page.createElement("script");
      script.text = library;
      page.head.append(script);
      for (const scheme of schemes) {
        page.getElementById(`scheme-${scheme}`).checked = true;
        const { violations, passes } = await frame.contentWindow.axe.run(page, { runOnly: RULES });
        found.seen += passes.length;
        for (const { id, nodes } of violations) {
          found.breaches.push(`${name} at ${width} px, ${scheme}: ${id}: ${nodes.map((node) => node.html).slice(0, 3)}`);
        }
      }
      frame.remove();
    }
  }
  return found;
}
