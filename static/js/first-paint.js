// Runs before the first paint, so that neither the theme nor the language flickers. The modules take over from here.
(function () {
  function remembered(name) {
    try {
      return JSON.parse(localStorage.getItem("parlance." + name));
    } catch {
      return null;
    }
  }
  const theme = remembered("theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
  const language = remembered("language") || navigator.language;
  document.documentElement.lang = /^zh/i.test(language) ? "zh-CN" : "en";
  document.documentElement.dataset.words = "none"; // until the modules have put them in, the page would be seen without any, and then move
})();
