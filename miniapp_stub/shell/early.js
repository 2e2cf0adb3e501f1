// Runs before anything is drawn: the page wears the chosen theme, text size and language at once, and the shell knows what to stand for.
// h5 only. The names are those of src/stores/look.ts, src/i18n and src/api/tokens.ts.
(function () {
  function kept(name) {
    try {
      return localStorage.getItem(name) || "";
    } catch (refused) {
      return ""; // a browser that keeps nothing
    }
  }
  var root = document.documentElement;
  var theme = kept("theme");
  root.classList.add("theme-" + (theme === "dark" || theme === "light" ? theme : "auto"));
  if (kept("large").indexOf("true") >= 0) root.classList.add("text-large");
  root.lang = kept("language") === "en" ? "en" : "zh-CN";
  var home = /^(#\/?|#\/pages\/home\/home.*)?$/.test(location.hash);
  var mall = decodeURIComponent(location.pathname.split("/")[2] || "");
  root.classList.add(!home ? "shell-page" : kept("tokens:" + mall) ? "shell-member" : "shell-visitor");
})();
