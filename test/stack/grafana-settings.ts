/**
 * The settings of Grafana in the sections that we use. It says nothing of a variable that stands for none of
 * them, and goes on without. https://github.com/grafana/grafana/blob/main/conf/defaults.ini, version 13; of
 * `plugins` also pkg/setting/setting_plugins.go.
 */
const settings: Readonly<Record<string, readonly string[]>> = {
  analytics: [
    'enabled',
    'reporting_enabled',
    'check_for_updates',
    'check_for_plugin_updates',
    'feedback_links_enabled',
  ],
  auth: ['disable_login', 'disable_login_form', 'disable_signout_menu', 'login_cookie_name'],
  'auth.anonymous': ['enabled', 'org_name', 'org_role', 'hide_version'],
  dashboards: ['versions_to_keep', 'min_refresh_interval', 'default_home_dashboard_path'],
  news: ['news_feed_enabled'],
  plugins: [
    'allow_loading_unsigned_plugins',
    'disable_plugins',
    'plugin_admin_enabled',
    'plugin_catalog_hidden_plugins',
    'preinstall',
    'preinstall_async',
    'preinstall_auto_update',
    'preinstall_disabled',
    'preinstall_sync',
    'public_key_retrieval_disabled',
  ],
  security: [
    'admin_password',
    'admin_user',
    'allow_embedding',
    'content_security_policy',
    'disable_gravatar',
    'disable_initial_admin_creation',
    'secret_key',
  ],
  users: ['allow_sign_up', 'default_theme', 'home_page', 'viewers_can_edit'],
};

const variables = new Set(
  Object.entries(settings).flatMap(([section, names]) => names.map((name) => variableFor(section, name))),
);

/** `GF_<SECTION>_<NAME>`, as Grafana makes it. */
function variableFor(section: string, name: string): string {
  return `GF_${section}_${name}`.toUpperCase().replace(/[.-]/g, '_');
}

/** Variables that Grafana would take for nothing. */
export function variableProblems(environment: Readonly<Record<string, string>>): string[] {
  return Object.keys(environment)
    .filter((name) => !variables.has(name))
    .map((name) => `${name} is no setting of Grafana`);
}

/** The same of a file of settings. */
export function fileProblems(text: string): string[] {
  let section = '';
  const problems: string[] = [];
  for (const line of text.split('\n')) {
    section = /^\[([\w.]+)\]$/.exec(line)?.[1] ?? section;
    const name = /^(\w+) *=/.exec(line)?.[1];
    if (name !== undefined && !settings[section]?.includes(name)) {
      problems.push(`[${section}] ${name} is no setting of Grafana`);
    }
  }
  return problems;
}
