// Sample texts. Their names are the strings `sample.NAME`.

export const SAMPLES = [
  {
    name: "welcome",
    language: "en",
    text: "Hello, and welcome! Type anything you like, choose a voice, and listen. Everything you hear is made on this machine.",
  },
  {
    name: "story",
    language: "en",
    text:
      "The lighthouse keeper had not spoken to anyone for eleven days. On the twelfth morning, a small grey bird landed on the railing, " +
      'looked him straight in the eye, and seemed to wait.\n\n"Well," he said at last, surprised by the sound of his own voice, "I suppose you had better come in."',
  },
  {
    name: "news",
    language: "en",
    text:
      "Good evening. Rain is moving in from the west tonight, with winds of up to 45 miles per hour along the coast. " +
      "Trains on the northern line are running about 20 minutes late. Tomorrow will be brighter, with highs near 18 degrees.",
  },
  {
    name: "pauses",
    language: "en",
    text: "Take a slow breath in. [pause:1.5s] And let it go. [pause:1.5s] Once more: breathe in, [pause:1s] and out.",
  },
  {
    name: "chinese",
    language: "zh",
    text: "你好，欢迎使用！输入任何文字，选一个声音，然后听一听。你听到的一切都是在这台机器上生成的。",
  },
];
