// Shows openapi.json with Swagger UI, without asking anybody else for anything.

import { recall } from "../js/remembered.js";

const ui = window.SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  plugins: [playWhatCame],
  onComplete() {
    const key = recall("key"); // the one that was given to the page at "/"
    if (key) ui.preauthorizeApiKey("key", key);
  },
});

// Swagger UI would fetch the address of a request once more to play its answer, as a GET. The answer is here already.
function playWhatCame() {
  const addresses = new WeakMap();

  function addressOf(blob) {
    if (!addresses.has(blob)) addresses.set(blob, URL.createObjectURL(blob));
    return addresses.get(blob);
  }

  return {
    wrapComponents: {
      responseBody: (ResponseBody, { React }) => (props) => {
        const isAudio = props.content instanceof Blob && /^audio\//.test(props.contentType);
        return React.createElement(ResponseBody, isAudio ? { ...props, url: addressOf(props.content) } : props);
      },
    },
  };
}
