// Runs before the first paint (a blocking script in <head>): applies the stored theme, so that nothing flashes.
{
  const root = document.documentElement;
  root.classList.add("js");
  let stored = null;
  try {
    stored = localStorage.getItem("theme");
  } catch {
    // Storage may be forbidden; the system's theme is then used.
  }
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    root.dataset.theme = stored === "light" || stored === "dark" ? stored : dark.matches ? "dark" : "light";
  };
  apply();
  dark.addEventListener("change", apply);
  addEventListener("ui:theme", (event) => {
    stored = event.detail;
    apply();
  });
}
