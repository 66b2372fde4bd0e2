import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { App as AntApp, ConfigProvider, theme } from "antd";
import enGB from "antd/es/date-picker/locale/en_GB";
import pickerZh from "antd/es/date-picker/locale/zh_CN";
import enUS from "antd/locale/en_US";
import zhCN from "antd/locale/zh_CN";
import { useTranslation } from "react-i18next";
import { BrowserRouter } from "react-router";
import { Problem } from "./api/client";
import { askWhoItIs } from "./session/session";
import { Shell } from "./Shell";
import { useLanguage } from "./text";
import { useDark, useStill } from "./theme";

/** Pickers whose buttons are called by what stands on them. */
const named = (picker: typeof enGB) => ({ ...picker, lang: { ...picker.lang, monthSelect: "", yearSelect: "" } });

/** English has days as they are written on the pages, and weeks that begin on Mondays. */
const LOCALES = { en: { ...enUS, DatePicker: named(enGB) }, zh: { ...zhCN, DatePicker: named(pickerZh) } };

const nonce = document.querySelector<HTMLMetaElement>("meta[property=csp-nonce]")?.nonce;

const queries: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError: (error) => askWhoItIs(queries, error) }),
  mutationCache: new MutationCache({ onError: (error) => askWhoItIs(queries, error) }),
  defaultOptions: {
    queries: {
      // Each look is on record: nothing is asked again behind the visitor's back.
      staleTime: Infinity,
      refetchOnWindowFocus: false,
      refetchOnReconnect: false,
      retry: (failures, error) => failures < 2 && error instanceof Problem && error.status === 503,
    },
  },
});

/** Darker than the library's own, so that text can be read on its ground (WCAG 2.2, 1.4.3). */
const READABLE = {
  light: { colorTextDescription: "rgba(0, 0, 0, 0.65)", colorTextTertiary: "rgba(0, 0, 0, 0.65)", colorTextPlaceholder: "rgba(0, 0, 0, 0.6)", colorError: "#cf1322", colorErrorText: "#cf1322", colorWarningText: "#874d00", colorSuccessText: "#237804", ...tagText(theme.defaultAlgorithm) },
  dark: { colorTextDescription: "rgba(255, 255, 255, 0.7)", colorTextTertiary: "rgba(255, 255, 255, 0.7)", colorTextPlaceholder: "rgba(255, 255, 255, 0.6)", colorError: "#ff7875", colorErrorText: "#ff7875", colorWarningText: "#d8bd14", ...tagText(theme.darkAlgorithm) },
};

/** Tags have text of the seventh tone of their colour on the first one; the eighth is far enough from it, of gold and yellow the ninth. */
function tagText(algorithm: typeof theme.defaultAlgorithm): Record<string, string> {
  const tones = Object.entries(theme.getDesignToken({ algorithm }));
  return Object.fromEntries(tones.filter(([name]) => /^(?:(?!gold|yellow)[a-z]+-?8|(?:gold|yellow)-?9)$/.test(name)).map(([name, tone]) => [name.replace(/[89]/, "7"), String(tone)]));
}

export function App() {
  useTranslation();
  const language = useLanguage();
  const dark = useDark();
  const still = useStill();
  const algorithm = dark ? theme.darkAlgorithm : theme.defaultAlgorithm;
  return (
    <ConfigProvider
      csp={{ nonce }}
      locale={LOCALES[language]}
      button={{ autoInsertSpace: false }}
      wave={{ disabled: still }}
      theme={{
        algorithm,
        components: { DatePicker: { colorTextDisabled: dark ? "rgba(255, 255, 255, 0.6)" : "rgba(0, 0, 0, 0.57)" }, ...(dark && { Button: { primaryColor: "#001416" } }) },
        token: { motion: !still, colorPrimary: dark ? "#2fa3a9" : "#0b6e75", colorLink: dark ? "#5bc4c9" : "#0b6e75", borderRadius: 8, fontFamily: "inherit", ...READABLE[dark ? "dark" : "light"] },
      }}
    >
      <AntApp>
        <QueryClientProvider client={queries}>
          <BrowserRouter>
            <Shell />
          </BrowserRouter>
        </QueryClientProvider>
      </AntApp>
    </ConfigProvider>
  );
}
