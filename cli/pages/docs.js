// Shows the API that this stack serves, from its own document. "Try it out" sends real requests to it.
window.addEventListener("DOMContentLoaded", () => {
  SwaggerUIBundle({ url: "openapi.json", dom_id: "#api", deepLinking: true, tryItOutEnabled: true, validatorUrl: "none" });
});
