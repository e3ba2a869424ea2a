// The document lies beside the page, so that both also work behind a proxy's prefix.
window.ui = SwaggerUIBundle({
  url: new URL("openapi.json", document.baseURI).href,
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  filter: true,
  tryItOutEnabled: true,
  // The online validator would be asked over the network.
  validatorUrl: null,
  onComplete: () => {
    document.title = window.ui.specSelectors.info().get("title") + " API";
    document.body.dataset.ready = "true";
  },
});
