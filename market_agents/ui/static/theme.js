// Before anything is drawn: the theme that was chosen here last; without one the system's is used.
try {
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch { /* storage is closed: the system's theme it is */ }
