import { Result } from "antd";
import { useTranslation } from "react-i18next";
import { Link, Route, Routes, useParams } from "react-router";
import { Sections } from "../../parts/Sections";
import { NoSuchPage } from "../../parts/states";
import { useSignedIn } from "../../session/session";
import { addTexts } from "../../text";
import { BatchPage } from "./BatchPage";
import { Batches } from "./Batches";
import { FeedList } from "./FeedList";
import { Health } from "./Health";
import { Mend } from "./mend/Mend";
import { ProfilePage } from "./ProfilePage";
import { Push } from "./Push";
import { en, zh } from "./text";
import "./feeds.css";

addTexts("feeds", en, zh);

/** Feeds of a department: how they are, what came, what failed and how it is mended. */
export default function Area() {
  return (
    <Routes>
      <Route index element={<FeedList />} />
      <Route path=":feed/*" element={<OneFeed />} />
    </Routes>
  );
}

function OneFeed() {
  const { t } = useTranslation("feeds");
  const feed = useParams().feed ?? "";
  const mine = useSignedIn().feeds.includes(feed);
  if (!mine) return <Result status="404" title={t("notMine")} extra={<Link to="/feeds">{t("title")}</Link>} />;
  const here = `/feeds/${feed}`;
  return (
    <>
      <Sections
        label={t("nav.label")}
        sections={[
          { to: "/feeds", label: `← ${t("nav.all")}` },
          { to: here, label: t("nav.health") },
          { to: `${here}/batches`, label: t("nav.batches"), within: true },
          { to: `${here}/push`, label: t("nav.push") },
          { to: `${here}/profile`, label: t("nav.profile") },
        ]}
      />
      <Routes>
        <Route index element={<Health feed={feed} />} />
        <Route path="batches" element={<Batches feed={feed} />} />
        <Route path="batches/:batch" element={<BatchPage feed={feed} />} />
        <Route path="batches/:batch/mend" element={<Mend feed={feed} />} />
        <Route path="push" element={<Push feed={feed} />} />
        <Route path="profile" element={<ProfilePage feed={feed} />} />
        <Route path="*" element={<NoSuchPage to="/feeds" />} />
      </Routes>
    </>
  );
}
