import { App } from "antd";
import { useMutation, useQueryClient } from "@tanstack/react-query";

export const KEY = ["grants"];

/** Something done about a grant, after which the grants are asked anew. */
export function useAct<T>(act: (value: T) => Promise<unknown>, done?: string) {
  const { message } = App.useApp();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: act,
    onSuccess: () => {
      if (done) void message.success(done);
      void queries.invalidateQueries({ queryKey: KEY });
    },
  });
}
