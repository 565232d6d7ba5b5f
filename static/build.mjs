// Builds the front end into static/dist: one ES module per file in static/js, the one style sheet, and
// the canvas's own, which only its pages load.
// Run through `python -m studio.assets`, which brings node and the locked packages.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const sources = join(root, "static", "js");
const dist = join(root, "static", "dist");

mkdirSync(dist, { recursive: true });

const bundles = readdirSync(sources).filter((name) => name.endsWith(".js"));
await build({
  entryPoints: bundles.map((name) => join(sources, name)),
  outdir: dist,
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "none",
  logLevel: "warning",
  jsx: "automatic",
  define: { "process.env.NODE_ENV": '"production"' },
});
await build({
  entryPoints: [join(root, "static", "css", "canvas.css")],
  outdir: dist,
  bundle: true,
  minify: true,
  logLevel: "warning",
});

const css = spawnSync(
  process.execPath,
  [
    join(root, "node_modules", "@tailwindcss", "cli", "dist", "index.mjs"),
    "--input", join(root, "static", "css", "app.css"),
    "--output", join(dist, "app.css"),
    "--minify",
  ],
  { cwd: root, encoding: "utf8" },
);
if (css.status !== 0) {
  process.stderr.write(css.stderr || css.stdout);
  process.exit(css.status ?? 1);
}

const made = new Set([...bundles, "app.css", "canvas.css"]);
for (const name of readdirSync(dist)) if (!made.has(name)) rmSync(join(dist, name), { recursive: true });
for (const name of [...made].sort()) {
  const bytes = readFileSync(join(dist, name));
  const kb = (data) => `${(data.length / 1000).toFixed(1).padStart(7)} kB`;
  console.log(`${name.padEnd(12)} ${kb(bytes)}  gzip ${kb(gzipSync(bytes))}  brotli ${kb(brotliCompressSync(bytes))}`);
}
