// Runs before the first paint, so that neither the theme nor the language flickers. The modules do the rest.
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
  document.documentElement.dataset.words = "none"; // hides the page until the modules have inserted the strings, so that the layout does not shift
})();
