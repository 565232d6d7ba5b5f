// The Light / Dark / System buttons of the user menu. theme.js applies what is chosen here.
const buttons = () => document.querySelectorAll("[data-theme-choice]");

function stored() {
  try {
    return localStorage.getItem("theme") ?? "system";
  } catch {
    return "system";
  }
}

function show(choice) {
  for (const button of buttons()) button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-theme-choice]");
  if (!button) return;
  const choice = button.dataset.themeChoice;
  try {
    if (choice === "system") localStorage.removeItem("theme");
    else localStorage.setItem("theme", choice);
  } catch {
    // Without storage the choice lasts for this page.
  }
  dispatchEvent(new CustomEvent("ui:theme", { detail: choice }));
  show(choice);
});

show(stored());
