// Menus made of <details data-menu>: one open at a time; Escape and a click outside close them, focus returns to the button.

const openMenus = () => document.querySelectorAll("details[data-menu][open]");

function close(menu, { refocus = false } = {}) {
  menu.open = false;
  if (refocus) menu.querySelector("summary").focus();
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  openMenus().forEach((menu) => close(menu, { refocus: menu.contains(document.activeElement) }));
});

document.addEventListener("click", (event) => {
  openMenus().forEach((menu) => menu.contains(event.target) || close(menu));
});

// Leaving a menu by Tab closes it, so that it never hides what has the focus.
document.addEventListener("focusin", (event) => {
  openMenus().forEach((menu) => menu.contains(event.target) || close(menu));
});
