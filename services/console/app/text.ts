/**
 * Words, in English and Chinese. Each area has its own in `text.ts`; the Chinese has the type of the English, so that a word
 * that is missing in one of them does not compile.
 */
import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import { en as common, zh as commonZh } from "./common.text";

export type Language = "en" | "zh";

/** A namespace of words: the same keys in both languages. */
export type Words<T> = { [K in keyof T]: T[K] extends string ? string : Words<T[K]> };

const LANGUAGE_KEY = "isthmus-language";

function chosen(): Language {
  const kept = localStorage.getItem(LANGUAGE_KEY);
  if (kept === "en" || kept === "zh") return kept;
  return navigator.languages.some((language) => language.startsWith("zh")) ? "zh" : "en";
}

const language = chosen();
void i18next.use(initReactI18next).init({
  lng: language,
  fallbackLng: "en",
  ns: ["common"],
  defaultNS: "common",
  resources: { en: { common }, zh: { common: commonZh } },
  interpolation: { escapeValue: false },
  initAsync: false,
});
document.documentElement.lang = language === "zh" ? "zh-CN" : "en";

/** Adds the words of an area; call it where the area's module is loaded. */
export function addTexts<T extends object>(namespace: string, en: T, zh: Words<T>): void {
  i18next.addResourceBundle("en", namespace, en);
  i18next.addResourceBundle("zh", namespace, zh);
}

export function useLanguage(): Language {
  return i18next.language === "zh" ? "zh" : "en";
}

export function changeLanguage(language: Language): void {
  localStorage.setItem(LANGUAGE_KEY, language);
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  void i18next.changeLanguage(language);
}
