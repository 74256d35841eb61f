// Before anything is drawn: what needs a script may be shown, and the theme is the one that was chosen here last;
// without one it is the system's.
document.documentElement.dataset.scripted = "";
try {
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch { /* storage is closed: the system's theme it is */ }
