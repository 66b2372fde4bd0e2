import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { App as AntApp, ConfigProvider, theme } from "antd";
import enUS from "antd/locale/en_US";
import zhCN from "antd/locale/zh_CN";
import { useTranslation } from "react-i18next";
import { BrowserRouter } from "react-router";
import { Problem } from "./api/client";
import { Shell } from "./Shell";
import { useLanguage } from "./text";
import { useDark } from "./theme";

const nonce = document.querySelector<HTMLMetaElement>("meta[property=csp-nonce]")?.nonce;

const queries = new QueryClient({
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

export function App() {
  useTranslation();
  const language = useLanguage();
  const dark = useDark();
  const algorithm = dark ? theme.darkAlgorithm : theme.defaultAlgorithm;
  return (
    <ConfigProvider
      csp={{ nonce }}
      locale={language === "zh" ? zhCN : enUS}
      theme={{ algorithm, token: { colorPrimary: dark ? "#2fa3a9" : "#0b6e75", colorLink: dark ? "#5bc4c9" : "#0b6e75", borderRadius: 8, fontFamily: "inherit" } }}
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
