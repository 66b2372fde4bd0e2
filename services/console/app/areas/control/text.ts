export { en } from "./text.en";
export { zh } from "./text.zh";
